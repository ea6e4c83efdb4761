import { XebecError } from "@xebec/core-errors";
import { type McpServerAddress, mcpServerAddress } from "@xebec/galley-server";
import type { readMeshFiles } from "./mesh-file.ts";

/**
 * The MCP servers that the configuration comes from: those of `--mcpServerAddrs`, and those of the mesh configuration's `configSources` as
 * Istio 1.1's charts write them, `address: istio-galley.istio-system.svc:9901`.
 * @throws XebecError invalid_argument for an address that is none
 */
export function mcpServersOf(
  addresses: readonly string[],
  mesh: ReturnType<typeof readMeshFiles>,
): readonly McpServerAddress[] {
  const flags = addresses.map((each) => serverOf(each, "--mcpServerAddrs"));
  const sources = (mesh?.configSources ?? []).map(({ address, tlsSettings }) => {
    const { mode = "DISABLE" } = tlsSettings ?? {};
    if (mode !== "DISABLE" && mode !== "ISTIO_MUTUAL")
      throw new XebecError(
        "invalid_argument",
        `--meshConfig: configSources: ${address}: tlsSettings.mode is DISABLE or ISTIO_MUTUAL`,
      );
    const url = address.includes("://") ? address : `${mode === "ISTIO_MUTUAL" ? "mcps" : "mcp"}://${address}`;
    return serverOf(url, "--meshConfig: configSources");
  });
  return [...flags, ...sources];
}

function serverOf(url: string, where: string): McpServerAddress {
  try {
    return mcpServerAddress(url);
  } catch (error) {
    throw new XebecError("invalid_argument", `${where}: ${XebecError.from(error).message}`, { cause: error });
  }
}
