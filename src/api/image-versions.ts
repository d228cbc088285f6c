import type { Images } from "../engine/images.ts";
import { type ApiVersion, since } from "./api-version.ts";

type ImageSummary = ReturnType<Images["list"]>[number];
type ImageDocument = ReturnType<Images["inspect"]>;

/** An image in the list as a version of the API tells it (Engine API version history). */
export function imageSummaryFor(version: ApiVersion, image: ImageSummary) {
  const nameless = image.RepoTags.length === 0 && image.RepoDigests.length === 0;
  return {
    ...image,
    // Until 1.43 an image without a name had one that says so, until 1.44 a size that meant the same as Size.
    ...(since(version, 43) || !nameless ? {} : { RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] }),
    ...(since(version, 44) ? {} : { VirtualSize: image.Size }),
    // Counted only from 1.51 on.
    ...(since(version, 51) ? {} : { Containers: -1 }),
  };
}

/** An image's document as a version of the API tells it (Engine API version history). */
export function imageDocumentFor(version: ApiVersion, image: ImageDocument) {
  const config = { ...ALWAYS_IN_CONFIG, ...(since(version, 50) ? {} : CONTAINER_FIELDS), ...image.Config };
  return {
    ...image,
    Config: config,
    ...(since(version, 44) ? {} : { VirtualSize: image.Size }),
    // That of the container which the image was made of: docker-compose 1.x takes the image's volumes from it.
    ...(since(version, 45) ? {} : { Container: "", ContainerConfig: config }),
  };
}

/** Fields of an image's configuration that are there also when they are empty. */
const ALWAYS_IN_CONFIG = {
  User: "",
  Env: null,
  Cmd: null,
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** What an image's configuration shared with a container's until 1.50, without a meaning in an image. */
const CONTAINER_FIELDS = {
  Hostname: "",
  Domainname: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: "",
};
