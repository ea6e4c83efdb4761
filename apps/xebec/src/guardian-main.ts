// The guardian's process under `xebec up --detach`.
import { guard } from "./guardian.ts";
import { runDirectory } from "./paths.ts";

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
process.exit(await guard(runDirectory(), stop.signal).done);
