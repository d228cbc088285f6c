import { registryAuthHeader } from "../../client/registry-credentials.ts";
import { defineCommand } from "../command.ts";
import { encodeFilters, filterOption } from "../filters.ts";
import { flag, integer } from "../option.ts";
import { STDOUT, write } from "../output.ts";
import { formatTable } from "../table.ts";

const DESCRIPTION_LENGTH = 45;

interface Found {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
}

export const command = defineCommand({
  name: "search",
  summary: "Search Docker Hub for images",
  usage: "[OPTIONS] TERM",
  examples: [
    { command: "lighter search --filter is-official=true database", meaning: "only images that Docker vouches for" },
  ],
  options: {
    filter: filterOption(),
    limit: integer("Most results to show"),
    "no-trunc": flag("Do not shorten descriptions"),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [term = ""], engine }) {
    const headers = await registryAuthHeader(term.includes("/") ? term : `${term}/`);
    const api = await engine();
    const found = await api.json<Found[]>("GET", "/images/search", {
      query: { term, limit: options.limit, filters: encodeFilters(options.filter) },
      headers,
    });
    const rows = [...found]
      .sort((a, b) => b.star_count - a.star_count)
      .map((image) => {
        const line = image.description.replaceAll(/[\r\n]+/g, " ");
        const isLong = !options["no-trunc"] && line.length > DESCRIPTION_LENGTH;
        const shown = isLong ? `${line.slice(0, DESCRIPTION_LENGTH - 1)}…` : line;
        return [image.name, shown, String(image.star_count), image.is_official ? "[OK]" : ""];
      });
    await write(STDOUT, formatTable([["NAME", "DESCRIPTION", "STARS", "OFFICIAL"], ...rows]));
    return 0;
  },
});
