import { writeFileAtomic } from "@xebec/platform-files";
import { SERVICES } from "./address-plan.ts";
import type { IssueToken } from "./pod-tokens.ts";
import { SYSTEM_NAMESPACE } from "./records.ts";
import { SERVICE_ACCOUNTS, tokenFile } from "./services.ts";

const TOKEN_AUDIENCE = "istio-ca";

/** Writes the token with which each service proves to citadel who it is. */
export async function writeServiceTokens(runDir: string, issueToken: IssueToken): Promise<void> {
  for (const service of SERVICES)
    await writeFileAtomic(
      tokenFile(runDir, service),
      await issueToken(SYSTEM_NAMESPACE, SERVICE_ACCOUNTS[service], TOKEN_AUDIENCE),
      { mode: 0o600 },
    );
}
