import { type Expression, parse } from "@xebec/model-expr";

/** The labels of the called workload that an expression reads by a constant name. */
export function destinationLabelsIn(text: string): string[] {
  if (text === "") return [];
  const found = new Set<string>();
  const visit = (node: Expression): void => {
    if (node.node !== "call") return;
    const [map, key] = node.args;
    if (node.name === "INDEX" && map?.node === "attribute" && map.name === "destination.labels")
      if (key?.node === "literal" && typeof key.value === "string") found.add(key.value);
    if (node.receiver) visit(node.receiver);
    for (const each of node.args) visit(each);
  };
  try {
    visit(parse(text));
  } catch {
    // mixer-policy says what is wrong with it.
    return [];
  }
  return [...found].sort();
}
