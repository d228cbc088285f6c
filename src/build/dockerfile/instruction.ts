import type { Heredoc } from "./heredoc.ts";
import type { KeyValue } from "./words.ts";

/** Where a statement stands: for messages. Lines count from 1. */
export interface Place {
  readonly firstLine: number;
  readonly lastLine: number;
  /** The statement in one line, as `Step 1/3 : ...` shows it. */
  readonly code: string;
}

/** A command as written: exec form (`["a","b"]`) as its words, shell form as one word for the shell. */
export interface CommandLine {
  readonly form: "exec" | "shell";
  readonly words: readonly string[];
}

export interface CopyFlags {
  /** `user[:group]`, names or numbers; not expanded yet. */
  readonly chown: string | null;
  readonly chmod: string | null;
  readonly link: boolean;
  readonly exclude: readonly string[];
  readonly parents: boolean;
}

export interface CopyArguments extends CopyFlags {
  readonly sources: readonly string[];
  /** Files written in the Dockerfile itself. */
  readonly inline: readonly Heredoc[];
  readonly destination: string;
}

/** Nanoseconds; 0 is the default, as in the image's configuration. */
export interface HealthcheckOptions {
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

export type Instruction = Place &
  (
    | ({
        readonly kind: "ADD";
        readonly checksum: string | null;
        readonly keepGitDir: boolean;
        /** Unpack what was downloaded too. */
        readonly unpack: boolean;
      } & CopyArguments)
    | ({ readonly kind: "COPY"; readonly from: string | null } & CopyArguments)
    | { readonly kind: "ARG"; readonly args: readonly { readonly name: string; readonly value: string | null }[] }
    | { readonly kind: "CMD"; readonly command: CommandLine }
    | { readonly kind: "ENTRYPOINT"; readonly command: CommandLine }
    | { readonly kind: "ENV"; readonly pairs: readonly KeyValue[] }
    | { readonly kind: "EXPOSE"; readonly ports: readonly string[] }
    | ({ readonly kind: "HEALTHCHECK"; readonly command: CommandLine | null } & HealthcheckOptions)
    | {
        readonly kind: "LABEL";
        readonly pairs: readonly KeyValue[] /** From --label: no variables in it. */;
        readonly literal: boolean;
      }
    | { readonly kind: "MAINTAINER"; readonly name: string }
    | { readonly kind: "ONBUILD"; readonly trigger: string }
    | {
        readonly kind: "RUN";
        readonly command: CommandLine;
        readonly heredocs: readonly Heredoc[];
        readonly mounts: readonly string[];
        readonly network: string | null;
        readonly security: string | null;
      }
    | { readonly kind: "SHELL"; readonly shell: readonly string[] }
    | { readonly kind: "STOPSIGNAL"; readonly signal: string }
    | { readonly kind: "USER"; readonly user: string }
    | { readonly kind: "VOLUME"; readonly paths: readonly string[] }
    | { readonly kind: "WORKDIR"; readonly path: string }
  );

export type InstructionOf<K extends Instruction["kind"]> = Extract<Instruction, { kind: K }>;

/** `FROM base [AS name]`, which begins a stage. */
export interface From extends Place {
  readonly kind: "FROM";
  /** An image, an earlier stage or `scratch`; not expanded yet. */
  readonly base: string;
  /** In lower case. */
  readonly stageName: string | null;
  readonly platform: string | null;
}

export interface Stage {
  readonly from: From;
  readonly instructions: readonly Instruction[];
}
