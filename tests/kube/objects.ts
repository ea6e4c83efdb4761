/** Objects of tests. */
export interface Template {
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A pod's template with one container, `main`. */
export function template(name: string, { image = "busybox", labels = {}, container = {}, spec = {} }: Template) {
  return {
    metadata: { labels: { app: name, ...labels } },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "main", image, ...container }], ...spec },
  };
}

export function pod(name: string, given: Template): object {
  const { metadata, spec } = template(name, given);
  return { apiVersion: "v1", kind: "Pod", metadata: { name, ...metadata }, spec };
}

/** A Deployment or StatefulSet. */
export function workload(
  kind: string,
  name: string,
  given: Template & { readonly more?: object; readonly replicas?: number },
) {
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name },
    spec: {
      replicas: given.replicas ?? 1,
      selector: { matchLabels: { app: name } },
      template: template(name, given),
      ...given.more,
    },
  };
}

export function service(name: string, port: number, targetPort: number, more: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ name: "http", port, targetPort }], ...more },
  };
}

/** Objects as kubectl reads them. */
export function list(...items: readonly object[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
