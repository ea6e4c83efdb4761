import assert from "node:assert/strict";
import { test } from "node:test";
import { unsupported } from "./unsupported.ts";

const deployment = (spec: object): Record<string, unknown> => ({
  ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } },
  spec,
});

test("what Kubernetes would act on and this platform does not is reported with its path", () => {
  const found = unsupported(
    deployment({
      progressDeadlineSeconds: 60,
      template: {
        spec: {
          restartPolicy: "Always",
          terminationGracePeriodSeconds: 5,
          initContainers: [{ name: "setup" }],
          tolerations: [],
          hostNetwork: true,
          containers: [
            {
              name: "web",
              lifecycle: { preStop: { sleep: { seconds: 1 } }, postStart: { exec: { command: ["true"] } } },
              envFrom: [{ configMapRef: { name: "settings" } }],
              resources: { limits: { cpu: "1" } },
              ports: [{ containerPort: 80, hostPort: 80 }],
              volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
              livenessProbe: { tcpSocket: { port: 80 } },
            },
          ],
          volumes: [{ name: "data", hostPath: { path: "/srv" } }],
        },
      },
    }),
  );
  const pod = "spec.template.spec";
  assert.deepEqual(found, [
    "spec: progressDeadlineSeconds has no effect on this platform",
    `${pod}: initContainers, hostNetwork have no effect on this platform`,
    `${pod}.containers[0]: envFrom, resources have no effect on this platform`,
    `${pod}.containers[0].lifecycle: postStart has no effect on this platform`,
    `${pod}.containers[0].ports[0]: hostPort has no effect on this platform`,
    `${pod}.containers[0].volumeMounts[0]: readOnly has no effect on this platform`,
    `${pod}.volumes[0]: hostPath has no effect on this platform`,
  ]);
});

test("what has an effect is not reported, and neither is a value that changes nothing", () => {
  const spec = {
    ...{ replicas: 2, minReadySeconds: 1, strategy: { type: "Recreate" }, selector: {} },
    template: { spec: { dnsPolicy: "ClusterFirst", containers: [{ name: "web", command: ["true"], resources: {} }] } },
  };
  assert.deepEqual(unsupported(deployment(spec)), []);
});
