import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { extract } from "tar-stream";

/** A member of an archive that a test writes down, sane or not. */
export interface Member {
  readonly name: string;
  /** tar's own type flag; a file if missing. */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  /** Records of an extended header before it. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** The size field's twelve bytes where they do not tell the content's size. */
  readonly sizeField?: Buffer;
}

const BLOCK = 512;

/** An archive made byte by byte, by no code that is tested with it. */
export function tar(...members: readonly Member[]): Buffer {
  return Buffer.concat([...members.flatMap(member), Buffer.alloc(2 * BLOCK)]);
}

/** As {@link tar}, as an operation reads it. */
export function tarStream(...members: readonly Member[]): Readable {
  return Readable.from([tar(...members)]);
}

function member(entry: Member): Buffer[] {
  const content = Buffer.from(entry.content ?? "");
  const extended = entry.pax ? member({ name: "pax", type: "x", content: paxRecords(entry.pax) }) : [];
  return [...extended, header(entry, content.length), content, Buffer.alloc(-content.length & (BLOCK - 1))];
}

function header(entry: Member, size: number): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    bytes.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  bytes.write(entry.name, 0, 100);
  octal(entry.mode ?? (entry.type === "5" ? 0o755 : 0o644), 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  if (entry.sizeField) entry.sizeField.copy(bytes, 124);
  else octal(size, 124, 12);
  octal(entry.mtime ?? 1_000_000_000, 136, 12);
  bytes.write(entry.type ?? "0", 156);
  bytes.write(entry.link ?? "", 157, 100);
  bytes.write("ustar\x0000", 257);
  octal(entry.major ?? 0, 329, 8);
  octal(entry.minor ?? 0, 337, 8);
  bytes.write(" ".repeat(8), 148);
  bytes.write(
    `${bytes
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  return bytes;
}

function paxRecords(records: Readonly<Record<string, string | Buffer>>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
      let length = body.length + 1;
      while (String(length).length + body.length !== length) length = String(length).length + body.length;
      return Buffer.concat([Buffer.from(String(length)), body]);
    }),
  );
}

/** An archive's member as another implementation reads it, all that matters in one line. */
export async function readTar(archive: Readable | Buffer): Promise<string[]> {
  const lines: string[] = [];
  const entries = extract();
  const source = Buffer.isBuffer(archive) ? Readable.from([archive]) : archive;
  source.on("error", (error) => entries.destroy(error));
  source.pipe(entries);
  for await (const entry of entries) {
    const { name, type, mode, uid, gid, mtime, linkname, devmajor, devminor, pax } = entry.header;
    const hash = createHash("sha256");
    let size = 0;
    for await (const piece of entry) {
      if (!Buffer.isBuffer(piece)) throw new Error("content is not bytes");
      hash.update(piece);
      size += piece.length;
    }
    const facts = [
      type,
      (mode ?? 0).toString(8),
      `${uid}:${gid}`,
      String((mtime?.getTime() ?? 0) / 1000),
      linkname ? `-> ${linkname}` : "",
      type?.endsWith("device") ? `${devmajor},${devminor}` : "",
      size > 0 ? `${size} bytes ${hash.digest("hex").slice(0, 12)}` : "",
      ...Object.entries(pax ?? {})
        .filter(([key]) => key.startsWith("SCHILY.xattr."))
        .map(([key, value]) => `${key.slice("SCHILY.xattr.".length)}=${value}`),
    ];
    lines.push(`${name} ${facts.filter((fact) => fact !== "").join(" ")}`);
  }
  return lines;
}
