import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { LighterError, messageOf } from "../../base/errors.ts";
import { type Trailers, trailersOfError } from "../../grpc/status.ts";
import { placeOf } from "../graph/failure-place.ts";
import { type Status, StatusSchema } from "./proto/status_pb.ts";

/** By this name clients know the detail that they print a piece of the Dockerfile for (moby/buildkit, solver/errdefs). */
const SOURCE_TYPE = "github.com/moby/buildkit/errdefs.Source+json";

type Detail = MessageInitShape<typeof StatusSchema>["details"];

/** Details that came with an error of the client's own, to go back to it as they are. */
const returned = new WeakMap<object, readonly Any[]>();

/** What a client that drives its build says that it failed with. */
export function errorOfClient({ message, details }: Status): LighterError {
  const error = new LighterError("internal", "CLIENT_FAILED", message);
  returned.set(error, details);
  return error;
}

/** Ends a failed call with what else is known of the failure: where in the Dockerfile it belongs. */
export function errorDetails(error: unknown): Trailers {
  const details = (error instanceof Error ? returned.get(error) : undefined) ?? placeDetail(error);
  if (!details?.length) return {};
  const code = Number(trailersOfError(error)["grpc-status"]);
  const status = create(StatusSchema, { code, message: messageOf(error), details: [...details] });
  return { "grpc-status-details-bin": Buffer.from(toBinary(StatusSchema, status)).toString("base64") };
}

function placeDetail(error: unknown): Detail {
  const found = placeOf(error);
  if (!found || found.text === null) return [];
  const { place, text } = found;
  const source = {
    info: { filename: place.file, data: Buffer.from(text).toString("base64"), language: "Dockerfile" },
    ranges: [{ start: { line: place.firstLine }, end: { line: place.lastLine } }],
  };
  return [{ typeUrl: SOURCE_TYPE, value: Buffer.from(JSON.stringify(source)) }];
}
