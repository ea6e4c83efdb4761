import { isXebecError } from "@xebec/core-errors";
import { type MeshStatus, MONITORING_PORT } from "@xebec/platform-local";
import { callSupervisor } from "../control.ts";
import { type Format, listing, print } from "../output.ts";
import { packageVersion } from "../package-version.ts";
import { runDirectory } from "../paths.ts";

const TIMEOUT_MS = 1_000;

/** `xebec version`: this command's version, and those of the services that run. */
export async function version(options: { readonly output: Format }): Promise<number> {
  const services = Object.fromEntries(await serviceVersions());
  const data = { client: packageVersion(), node: process.versions.node, services };
  print(
    listing(options.output, data, () =>
      [
        `client version: ${data.client}`,
        `node version: ${data.node}`,
        ...Object.entries(services).map(([name, text]) => `${name} version: ${text}`),
        "",
      ].join("\n"),
    ),
  );
  return 0;
}

async function serviceVersions(): Promise<[string, string][]> {
  try {
    const { processes } = await callSupervisor<MeshStatus>(runDirectory(), "GET", "/status");
    const services = processes.filter((each) => each.kind === "service" && each.name !== "nats");
    return await Promise.all(
      services.map(async ({ name, addresses }): Promise<[string, string]> => {
        const answer = await fetch(`http://${addresses[0]}:${MONITORING_PORT}/version`, {
          signal: AbortSignal.timeout(TIMEOUT_MS),
        }).then(
          (response) => response.text(),
          () => "not reached",
        );
        return [name, answer.trim().split(" ").at(-1) ?? ""];
      }),
    );
  } catch (error) {
    if (isXebecError(error) && error.code === "unavailable") return [];
    throw error;
  }
}
