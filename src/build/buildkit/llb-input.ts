/** Number of an input or output; LLB's -1 is none. */
export function numberOrNone(number: bigint | undefined): number | null {
  return number === undefined || number < 0n ? null : Number(number);
}
