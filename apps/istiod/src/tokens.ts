import { signToken } from "@xebec/model-pki";
import { writeKeyFile } from "@xebec/platform-files";
import { loadOrCreateTokenKey } from "@xebec/platform-identity";

const ACCOUNTS = { pilot: "pilot", galley: "galley", "sidecar-injector": "sidecar-injector", mixer: "mixer" } as const;
/** Certificates are renewed with the certificate itself; a token is for the first one, and when that is not valid any more. */
const LIFETIME_SECONDS = 24 * 3600;

/** Writes the token of each service beside `file`, signed with citadel's own key: `<file>.pilot` and so on. */
export async function writeTokens(citadelDir: string, namespace: string, file: string): Promise<void> {
  const key = await loadOrCreateTokenKey(citadelDir);
  for (const [name, account] of Object.entries(ACCOUNTS)) {
    const subject = { namespace, serviceAccount: `istio-${account}-service-account` };
    await writeKeyFile(`${file}.${name}`, signToken(key, subject, LIFETIME_SECONDS));
  }
}
