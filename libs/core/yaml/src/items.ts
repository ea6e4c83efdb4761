import type { CST } from "yaml";

/** A list whose items can be read one by one, because nothing in it refers to anything else. */
export interface ListSyntax {
  /** The document without its items. */
  readonly head: CST.Document;
  readonly items: readonly CST.Document[];
}

/** Takes the items of a document's list `items` out of its syntax tree; undefined when it has none. */
export function listSyntax(document: CST.Document): ListSyntax | undefined {
  const root = document.value;
  if (root?.type !== "block-map" && root?.type !== "flow-collection") return undefined;
  const at = root.items.findIndex((pair) => pair.key && textOf(pair.key) === "items");
  const list = root.items[at]?.value;
  if (list?.type !== "block-seq" && !(list?.type === "flow-collection" && list.start.source === "[")) return undefined;
  const items: CST.Document[] = [];
  for (const { key, value } of list.items) {
    // `[a: b]`, or an item that is empty: whoever reads the whole document says what that is.
    if (key) return undefined;
    if (value) items.push({ type: "document", offset: value.offset, start: [], value });
    else if (list.type === "block-seq") return undefined;
  }
  const head = { ...document, value: { ...root, items: root.items.toSpliced(at, 1) } as CST.Document["value"] };
  return { head: head as CST.Document, items };
}

/** The text of a top-level field, of a map that is not composed; undefined when it is not a plain text. */
export function fieldText(document: CST.Document, name: string): string | undefined {
  const root = document.value;
  if (root?.type !== "block-map" && root?.type !== "flow-collection") return undefined;
  const pair = root.items.find(({ key }) => key && textOf(key) === name);
  return pair?.value ? textOf(pair.value) : undefined;
}

function textOf(token: CST.Token): string | undefined {
  if (token.type === "scalar") return token.source;
  return token.type === "double-quoted-scalar" || token.type === "single-quoted-scalar"
    ? token.source.slice(1, -1)
    : undefined;
}

/** Counts words and marks, up to a limit. */
export function sizeOf(token: CST.Token, limit: number): number {
  let size = 0;
  const open: (CST.Token | undefined | null)[] = [token];
  while (open.length > 0 && size <= limit) {
    const each = open.pop();
    if (!each) continue;
    size++;
    if (each.type === "document") open.push(each.value);
    else if ("items" in each)
      for (const { key, value, start, sep } of each.items) {
        size += start.length + (sep?.length ?? 0);
        open.push(key, value);
      }
  }
  return size;
}
