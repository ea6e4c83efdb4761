import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where a text cites a reference page, or a section of it. */
export interface Citation {
  /** Name of the page without folder and ending: `pilot`. */
  page: string;
  /** Number of the section, `3.1`; undefined when the page as a whole is cited. */
  section?: string;
  /** The citation as it is written. */
  written: string;
  /** 1 is the first line of the text. */
  line: number;
  /** False for the form `spec/pilot.md`, which the folder had before. */
  current: boolean;
}

const CITED = /(docs\/reference\/|\bspec\/)([a-z][a-z-]*)\.md|\bspec (pilot|mixer|platform)\b(?=[\s*]*§)/g;
const SECTIONS = /[\s*]*§(\d+(?:\.\d+)*)(?:,(?=[\s*]*§))?/y;

/**
 * Finds the citations of reference pages in a text: `docs/reference/pilot.md §2.1, §2.2` gives two.
 * @param text source code or Markdown
 */
export function citations(text: string): Citation[] {
  const found: Citation[] = [];
  for (const match of text.matchAll(CITED)) {
    const page = match[2] ?? match[3] ?? "";
    const line = text.slice(0, match.index).split("\n").length;
    const current = match[1] === "docs/reference/";
    const sections: string[] = [];
    SECTIONS.lastIndex = match.index + match[0].length;
    for (let next = SECTIONS.exec(text); next?.[1]; next = SECTIONS.exec(text)) sections.push(next[1]);
    if (sections.length === 0) found.push({ page, written: match[0], line, current });
    for (const section of sections) found.push({ page, section, written: `${match[0]} §${section}`, line, current });
  }
  return found;
}

/**
 * Reads the numbers of the sections of a reference page.
 * @param root the repository
 * @returns undefined when there is no such page
 */
export function sectionsOf(root: string, page: string): Set<string> | undefined {
  let text: string;
  try {
    text = readFileSync(join(root, "docs/reference", `${page}.md`), "utf8");
  } catch {
    return undefined;
  }
  return new Set([...text.matchAll(/^#{2,} (\d+(?:\.\d+)*) /gm)].map(([, number]) => number ?? ""));
}

/**
 * Finds the headings of a Markdown text as the fragments by which links name them.
 * @param text Markdown
 */
export function anchors(text: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading = ""] of withoutCode(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .trim()
      .toLowerCase();
    const base = words.replaceAll(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-");
    let name = base;
    for (let count = 1; found.has(name); count++) name = `${base}-${count}`;
    found.add(name);
  }
  return found;
}

/** Finds the targets of links in Markdown that lead to other files or headings, not to the network. */
export function localLinks(text: string): string[] {
  const links = withoutCode(text)
    .replaceAll(/`[^`\n]*`/g, "")
    .matchAll(/\]\(([^()\s]+)\)/g);
  return [...links].map(([, target = ""]) => target).filter((target) => !/^[a-z]+:/.test(target));
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```.*?^```/gms, "");
}
