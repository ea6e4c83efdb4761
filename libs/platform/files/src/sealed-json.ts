import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { XebecError } from "@xebec/core-errors";
import { writeFileAtomic } from "./atomic-write.ts";

const SEAL = /^\{"checksum":"([0-9a-f]{64})","format":"([\w. -]{1,60})"(?:,|\})/;

/** What a file held. */
export interface Unsealed<T> {
  readonly value: T;
}

/**
 * Writes an object as JSON that shows when it is damaged: its first fields are a checksum over the rest and the name of the format.
 * Whole or not at all, for its owner only.
 * @param format name and version of what is in it, `last-good 2`: another version is not read
 * @throws XebecError unavailable that names the file
 */
export function writeSealedJson(path: string, format: string, value: object): Promise<void> {
  return writeFileAtomic(path, sealed(format, value), { mode: 0o600 });
}

/** The text of a sealed file. */
export function sealed(format: string, value: object): string {
  const fields = JSON.stringify(value).slice(1);
  const rest = `"format":${JSON.stringify(format)}${fields === "}" ? "" : ","}${fields}`;
  return `{"checksum":"${createHash("sha256").update(rest).digest("hex")}",${rest}`;
}

/**
 * Reads a file that `writeSealedJson` wrote.
 * @returns undefined when there is none
 * @throws XebecError data_loss when it is damaged, cut off, of another format or version, or cannot be read
 */
export async function readSealedJson<T extends object>(path: string, format: string): Promise<Unsealed<T> | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new XebecError("data_loss", `${path} cannot be read`, { cause: error });
  }
  const match = SEAL.exec(text);
  if (!match) throw new XebecError("data_loss", `${path} is damaged, or of another version`);
  const [, checksum, found] = match;
  if (found !== format) throw new XebecError("data_loss", `${path} is of another version: ${found}, not ${format}`);
  const rest = text.slice(text.indexOf('"format"'));
  if (createHash("sha256").update(rest).digest("hex") !== checksum)
    throw new XebecError("data_loss", `${path} is damaged: its checksum does not fit`);
  const { checksum: _sum, format: _format, ...value } = JSON.parse(text) as T & { checksum: string; format: string };
  return { value: value as unknown as T };
}
