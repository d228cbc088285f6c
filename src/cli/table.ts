/** As the writer that Docker prints its tables with is set up. */
const DEFAULT_MIN_WIDTH = 10;
const PADDING = 3;

/**
 * Aligns rows of cells as Go's tabwriter does: a column is as wide as its widest cell and three blanks, at least
 * `minWidth`, and lasts as long as consecutive rows have it; a row's last cell is not padded. Ends with a newline.
 */
export function formatTable(rows: readonly (readonly string[])[], minWidth = DEFAULT_MIN_WIDTH): string {
  const widths = rows.map((): number[] => []);
  const columns = Math.max(0, ...rows.map((row) => row.length - 1));
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < rows.length; ) {
      let end = first;
      let width = minWidth;
      for (; column < (rows[end]?.length ?? 0) - 1; end++) {
        width = Math.max(width, displayLength(rows[end]?.[column] ?? "") + PADDING);
      }
      for (let row = first; row < end; row++) widths[row]?.push(width);
      first = Math.max(end, first + 1);
    }
  }
  return rows
    .map((row, index) => {
      const padded = row.map((cell, column) => cell + " ".repeat(padding(cell, widths[index]?.[column])));
      return `${padded.join("")}\n`;
    })
    .join("");
}

function padding(cell: string, width: number | undefined): number {
  return width === undefined ? 0 : width - displayLength(cell);
}

/** Code points, as Go counts. */
function displayLength(text: string): number {
  return [...text].length;
}
