import type { ContainerConfig } from "./container-config.ts";

/**
 * Fills what the user left open from the image, by Docker's rules: maps and environment are united with the user's values
 * winning; an entrypoint given by the user (`[""]` clears it) drops the image's command as well.
 */
export function mergeConfig(user: ContainerConfig, image: Partial<ContainerConfig>): ContainerConfig {
  const ownEntrypoint = user.Entrypoint !== null && user.Entrypoint.length > 0;
  const cleared = user.Entrypoint?.length === 1 && user.Entrypoint[0] === "";
  const entrypoint = cleared ? null : ownEntrypoint ? user.Entrypoint : (image.Entrypoint ?? null);
  const ownCommand = user.Cmd !== null && user.Cmd.length > 0;
  const command = ownCommand || ownEntrypoint ? user.Cmd : (image.Cmd ?? null);
  return {
    ...user,
    User: user.User || image.User || "",
    ExposedPorts: { ...image.ExposedPorts, ...user.ExposedPorts },
    Env: mergeEnvironment(user.Env, image.Env ?? []),
    Entrypoint: entrypoint,
    Cmd: command,
    Healthcheck: mergeHealthcheck(user.Healthcheck, image.Healthcheck ?? null),
    Volumes: { ...image.Volumes, ...user.Volumes },
    WorkingDir: user.WorkingDir || image.WorkingDir || "",
    Labels: { ...image.Labels, ...user.Labels },
    StopSignal: user.StopSignal || image.StopSignal || "",
    StopTimeout: user.StopTimeout ?? image.StopTimeout ?? null,
    Shell: user.Shell ?? image.Shell ?? null,
    OnBuild: user.OnBuild ?? null,
  };
}

/** The user's variables first, then the image's that the user did not name, as Docker orders them. */
function mergeEnvironment(user: readonly string[], image: readonly string[]): string[] {
  const named = new Set(user.map(variableName));
  return [...user, ...image.filter((entry) => !named.has(variableName(entry)))];
}

function variableName(entry: string): string {
  const at = entry.indexOf("=");
  return at < 0 ? entry : entry.slice(0, at);
}

function mergeHealthcheck(
  user: ContainerConfig["Healthcheck"],
  image: ContainerConfig["Healthcheck"],
): ContainerConfig["Healthcheck"] {
  if (user === null || image === null) return user ?? image;
  return {
    Test: user.Test?.length ? user.Test : image.Test,
    Interval: user.Interval || image.Interval,
    Timeout: user.Timeout || image.Timeout,
    StartPeriod: user.StartPeriod || image.StartPeriod,
    StartInterval: user.StartInterval || image.StartInterval,
    Retries: user.Retries || image.Retries,
  };
}
