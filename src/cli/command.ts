import type { Api } from "../client/api.ts";
import type { ConnectedEngine } from "./connect-engine.ts";
import type { Options, Values } from "./option.ts";

/** One command as data: what `--help` and the documentation show, what the parser accepts, and what it does. */
export interface Command<O extends Options = Options> {
  /** As it is written behind `lighter`: `network create`. */
  readonly name: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** What follows the name, in Docker's notation: `[OPTIONS] CONTAINER [CONTAINER...]`. */
  readonly usage: string;
  readonly description?: string;
  /** Other full names, for the help. */
  readonly aliases?: readonly string[];
  readonly examples: readonly Example[];
  readonly options: O;
  /** How many words may follow the options; without `maximum` any number. */
  readonly operands: { readonly minimum: number; readonly maximum?: number };
  /** Options end at the first word, because the words are another program's command line. */
  readonly optionsFirst?: boolean;
  /**
   * The exit status of a failure that Docker's CLI reports with its own name and a hint at the help; null for one that
   * it reports plainly, with 1.
   */
  readonly failureStatus?: (error: unknown) => number | null;
  /** Returns the exit status. */
  run(invocation: Invocation<Values<O>>): Promise<number>;
}

export interface Example {
  readonly command: string;
  readonly meaning: string;
}

export interface Invocation<V> {
  readonly options: V;
  readonly operands: readonly string[];
  /** Connects, and starts an engine where none listens. */
  engine(): Promise<Api>;
  /** The same, with where it listens. */
  connectedEngine(): Promise<ConnectedEngine>;
}

/** Gives `run` the types that the table of options implies. */
export function defineCommand<const O extends Options>(command: Command<O>): Command<O> {
  return command;
}
