// The agent of a cluster's nodes: `node-main OPTIONS_FILE`. It runs in the cluster's network namespace, as root.
import { readFileSync } from "node:fs";
import { logger } from "@xebec/core-log";
import { writeFileAtomic } from "@xebec/platform-files";
import { type AgentOptions, NodeAgent } from "@xebec/platform-node";

const log = logger("node");
const [file = ""] = process.argv.slice(2);

try {
  const options = JSON.parse(readFileSync(file, "utf8")) as AgentOptions & { readonly readyFile: string };
  const agent = new NodeAgent(options);
  let ending = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      if (ending) return;
      ending = true;
      agent.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, "the agent could not end in order");
          process.exit(1);
        },
      );
    });
  await agent.start();
  await writeFileAtomic(options.readyFile, `${process.pid}\n`);
} catch (error) {
  log.error({ err: error }, "the node agent cannot start");
  process.exit(1);
}
