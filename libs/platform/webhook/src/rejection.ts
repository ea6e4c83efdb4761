import { type KubeClient, KubeError, type KubeObject, pathOf, type ResourceType } from "@xebec/platform-kube";

/** What an API server makes of an object that the webhook must refuse. */
export type Verdict = "refused" | "unknown type" | "accepted" | "failed";

/**
 * Asks an API server, without effect, to create an object that the webhook refuses: then the server calls the webhook, and trusts it.
 * @param webhook its name, as the refusal has it
 */
export async function rejectsThroughServer(
  client: KubeClient,
  type: ResourceType,
  object: KubeObject,
  webhook: string,
  signal?: AbortSignal,
): Promise<{ readonly verdict: Verdict; readonly message: string }> {
  try {
    const { namespace } = object.metadata;
    await client.call({
      method: "POST",
      path: pathOf(type, { namespace }),
      query: { dryRun: "All" },
      body: object,
      signal,
    });
    return { verdict: "accepted", message: "the API server does not ask the webhook yet" };
  } catch (error) {
    const message = (error as Error).message;
    if (!(error instanceof KubeError)) return { verdict: "failed", message };
    if (message.includes(`"${webhook}" denied the request`)) return { verdict: "refused", message };
    // A cluster without the type has no object of it to be checked.
    const isUnknown = error.status === 404 && message.includes("could not find the requested resource");
    return { verdict: isUnknown ? "unknown type" : "failed", message };
  }
}
