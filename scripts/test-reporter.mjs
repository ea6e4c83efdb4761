// A node:test reporter: one line for each file's failures, and the counts at the end for scripts/test.mjs.
const counts = { passed: 0, failed: 0, skipped: 0 };

export default async function* reporter(source) {
  for await (const { type, data } of source) {
    if (type === "test:stderr" || type === "test:stdout") continue;
    if (type !== "test:pass" && type !== "test:fail") continue;
    // A suite's own event only repeats what its tests said, unless a hook of it failed: its tests say that they were cancelled.
    if (data.details?.type === "suite") {
      if (data.details.error?.failureType === "hookFailed") yield failure(data);
      continue;
    }
    if (data.skip !== undefined) {
      counts.skipped++;
      yield `  skipped: ${data.name}${typeof data.skip === "string" ? ` (${data.skip})` : ""}\n`;
    } else if (type === "test:pass") counts.passed++;
    else {
      counts.failed++;
      yield failure(data);
    }
  }
  yield `#counts ${JSON.stringify(counts)}\n`;
}

function failure({ name, file = "", line = "", details }) {
  const error = details?.error?.cause ?? details?.error;
  return `  FAILED: ${name}  ${file}:${line}\n${indent(error?.stack ?? String(error))}\n`;
}

function indent(text) {
  return text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}
