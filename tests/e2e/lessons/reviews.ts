// Where the calls of reviews go.
import { waitFor } from "@xebec/core-async";
import { type Mesh, reviewsTo } from "../mesh.ts";

/** Waits until twelve requests in a row meet this version: more than chance gives when each version gets its share. */
export async function allAre(mesh: Mesh, version: string, headers: Record<string, string> = {}): Promise<void> {
  await waitFor(`all requests go to ${version}`, 5_000, async () => {
    for (let i = 0; i < 12; i++) if ((await mesh.reviewsVersion(headers)) !== version) return false;
    return true;
  });
}

/** A VirtualService and the DestinationRule with its subset, in one file. */
export function together(subset: string, version: string): string {
  return `${reviewsTo(subset)}---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: reviews-subset}
spec:
  host: reviews
  subsets:
  - {name: ${subset}, labels: {version: ${version}}}
`;
}
