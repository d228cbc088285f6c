/** A line of the Engine API's progress stream (Docker's jsonmessage). */
export interface Progress {
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  /** The bar as text, for clients older than the detail. */
  readonly progress?: string;
  readonly id?: string;
  readonly aux?: unknown;
}

export type Report = (progress: Progress) => void;

/** Bars are for eyes: more often than this they only cost. */
const BAR_INTERVAL_MS = 100;
const BAR_WIDTH = 50;

export function layerStatus(id: string, status: string): Progress {
  return { status, progressDetail: {}, id };
}

export function layerBar(id: string, status: string, current: number, total: number): Progress {
  return { status, progressDetail: { current, total }, progress: drawBar(current, total), id };
}

/** Reports how far one layer is, not more often than eyes can follow. */
export function barReporter(report: Report, id: string, status: string, total: number): (current: number) => void {
  let lastMs = 0;
  return (current) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < BAR_INTERVAL_MS) return;
    lastMs = nowMs;
    report(layerBar(id, status, current, total));
  };
}

/** `[====>      ]  1.2MB/3.4MB`, byte for byte as Docker draws it. */
export function drawBar(current: number, total: number): string {
  if (current <= 0 && total <= 0) return "";
  if (total <= 0) return humanSize(current).padStart(8);
  const filled = Math.min(BAR_WIDTH, Math.floor(Math.floor((current / total) * 100) / 2));
  const counts =
    current > total ? humanSize(current).padStart(8) : `${humanSize(current).padStart(8)}/${humanSize(total)}`;
  return `[${"=".repeat(filled)}>${" ".repeat(BAR_WIDTH - filled)}] ${counts}`;
}

/** Powers of 1000 and four digits, as go-units prints bytes. */
function humanSize(bytes: number): string {
  let value = bytes;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  while (value >= 1000 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${Number(value.toPrecision(4))}${units[0]}`;
}

/**
 * Runs `work` and hands on what it reports, in order; of a layer's bars that nobody has taken yet, only the newest is kept.
 * Who stops listening aborts the work, and is kept until it has let go of everything.
 * @returns the work's result; a failure of the work is thrown after its last report.
 */
export async function* progressOf<T>(
  signal: AbortSignal,
  work: (report: Report, signal: AbortSignal) => Promise<T>,
): AsyncGenerator<Progress, T> {
  const leaving = new AbortController();
  const queue: Progress[] = [];
  let wake = Promise.withResolvers<void>();
  const report: Report = (progress) => {
    const last = queue.findLastIndex(({ id }) => id === progress.id);
    const isBar = (one: Progress | undefined) =>
      one?.progressDetail?.current !== undefined && one.status === progress.status;
    if (last >= 0 && isBar(queue[last]) && isBar(progress)) queue[last] = progress;
    else queue.push(progress);
    wake.resolve();
  };
  let isDone = false;
  const result = work(report, AbortSignal.any([signal, leaving.signal])).finally(() => {
    isDone = true;
    wake.resolve();
  });
  // Thrown below, once what was reported before it is out.
  result.catch(() => {});
  try {
    for (;;) {
      const next = queue.shift();
      if (next) {
        yield next;
        continue;
      }
      if (isDone) return await result;
      await wake.promise;
      wake = Promise.withResolvers();
    }
  } finally {
    leaving.abort(new Error("nobody listens any more"));
    await result.catch(() => {});
  }
}
