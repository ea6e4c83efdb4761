// A node:test reporter: one line for each file's failures, and the counts at the end for scripts/test.mjs.
const counts = { passed: 0, failed: 0, skipped: 0 };

export default async function* reporter(source) {
  for await (const { type, data } of source) {
    if (type === "test:stderr" || type === "test:stdout") continue;
    if (type !== "test:pass" && type !== "test:fail") continue;
    // A suite's own event only repeats what its tests said.
    if (data.details?.type === "suite") continue;
    if (data.skip !== undefined) {
      counts.skipped++;
      yield `  skipped: ${data.name}${typeof data.skip === "string" ? ` (${data.skip})` : ""}\n`;
    } else if (type === "test:pass") counts.passed++;
    else {
      counts.failed++;
      const error = data.details?.error?.cause ?? data.details?.error;
      yield `  FAILED: ${data.name}  ${data.file ?? ""}:${data.line ?? ""}\n${indent(error?.stack ?? String(error))}\n`;
    }
  }
  yield `#counts ${JSON.stringify(counts)}\n`;
}

function indent(text) {
  return text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}
