import { type Address, formatAddress } from "../base/engine-address.ts";
import { errnoOf, LighterError, messageOf } from "../base/errors.ts";

/** Nobody listens, or not for us. The `cause` keeps the system's error, by which a caller knows whether to start one. */
export function unreachable(address: Address, cause: unknown): LighterError {
  const where = formatAddress(address);
  const reason = errnoOf(cause) ?? messageOf(cause);
  if (reason === "EACCES" || reason === "EPERM") {
    const text = `permission denied while connecting to the engine at ${where}: use sudo, or join the socket's group`;
    return new LighterError("forbidden", "ENGINE_FORBIDDEN", text, { cause });
  }
  const text = `cannot connect to the engine at ${where} (${reason}); is it running?`;
  return new LighterError("unavailable", "ENGINE_UNREACHABLE", text, { cause });
}

/** It went away in the middle of an exchange. */
export function connectionLost(address: Address, cause: unknown): LighterError {
  const text = `the engine at ${formatAddress(address)} closed the connection before it had answered`;
  return new LighterError("unavailable", "CONNECTION_LOST", text, { cause });
}
