// The watchdog's process under `xebec up --detach`.

import { runDirectory } from "./paths.ts";
import { forgetProcess, recordProcess } from "./process-record.ts";
import { guard } from "./watchdog.ts";

const stop = new AbortController();
const runDir = runDirectory();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
await recordProcess(runDir, "watchdog");
const code = await guard(runDir, stop.signal).done;
await forgetProcess(runDir, "watchdog");
process.exit(code);
