// The guardian's process under `xebec up --detach`.
import { guard } from "./guardian.ts";
import { runDirectory } from "./paths.ts";
import { forgetProcess, recordProcess } from "./process-record.ts";

const stop = new AbortController();
const runDir = runDirectory();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
await recordProcess(runDir, "guardian");
const code = await guard(runDir, stop.signal).done;
await forgetProcess(runDir, "guardian");
process.exit(code);
