import { createPrivateKey, X509Certificate } from "node:crypto";
import { hostsOverlap, labelsMatch } from "@xebec/model-names";
import type { Analyzer } from "../analyzer.ts";
import { type AnalyzedObject, type Fields, fields, items, text, textMap, texts } from "../object.ts";
import type { World } from "../world.ts";

const GROUP = "networking.istio.io";

const selectorOf = ({ spec }: AnalyzedObject): Readonly<Record<string, string>> => textMap(spec.selector);

/** The pods of a gateway are there, and their Service has its ports. */
export const gatewayPods: Analyzer = {
  name: "gateway.IngressGatewayPortAnalyzer",
  analyze(world, report) {
    for (const gateway of world.all(GROUP, "Gateway")) {
      const selector = selectorOf(gateway);
      const pods = world.podsWith(selector, undefined);
      if (pods.length === 0) {
        // A selector that selects everything needs no pod of this file.
        if (Object.keys(selector).length === 0) continue;
        const labels = Object.entries(selector)
          .map(([key, value]) => `${key}=${value}`)
          .join(",");
        report("ReferencedResourceNotFound", gateway, `no pod has the labels of the selector: ${labels}`, [
          "spec",
          "selector",
        ]);
        continue;
      }
      const services = world.services.filter(
        ({ selector: own, namespace }) =>
          own && pods.some((pod) => pod.namespace === namespace && labelsMatch(own, pod.labels)),
      );
      if (services.length === 0) continue;
      const ports = new Set(
        services.flatMap(({ ports: own }) => own.flatMap((each) => [text(each.port), text(each.targetPort)])),
      );
      for (const [i, server] of items(gateway.spec.servers).entries()) {
        const port = text(fields(server.port).number);
        if (port === "" || ports.has(port)) continue;
        const what = `no Service of the gateway's pods has the port ${port}, so nobody outside of the cluster reaches it`;
        report("GatewayPortNotDefinedOnService", gateway, what, ["spec", "servers", i, "port"]);
      }
    }
  },
};

interface Credential {
  readonly gateway: AnalyzedObject;
  readonly name: string;
  readonly secret: AnalyzedObject | undefined;
  readonly tls: Fields;
  readonly path: readonly (string | number)[];
}

/** The secrets that gateways name: they are in the namespace of the gateway's pods. */
function credentialsOf(world: World): Credential[] {
  return world.all(GROUP, "Gateway").flatMap((gateway) => {
    const namespaces = new Set(world.podsWith(selectorOf(gateway), undefined).map((pod) => pod.namespace));
    if (namespaces.size === 0) namespaces.add(gateway.namespace);
    return items(gateway.spec.servers).flatMap((server, i) => {
      const tls = fields(server.tls);
      const name = text(tls.credentialName);
      if (name === "") return [];
      const secret = [...namespaces].map((each) => world.find("", "Secret", each, name)).find(Boolean);
      return [{ gateway, name, secret, tls, path: ["spec", "servers", i, "tls", "credentialName"] }];
    });
  });
}

/** Secrets of gateways are there and can be used. */
export const gatewaySecrets: Analyzer = {
  name: "gateway.SecretAnalyzer",
  analyze(world, report) {
    for (const { gateway, name, secret, path } of credentialsOf(world)) {
      if (!secret)
        report(
          "ReferencedResourceNotFound",
          gateway,
          `the Secret "${name}" of credentialName is not found in the namespace of the gateway's pods`,
          path,
        );
      else {
        const problem = secretProblem(secret);
        if (problem === "") continue;
        const what = `the Secret "${name}" cannot be used: ${problem}`;
        report("InvalidGatewayCredential", gateway, what, path);
      }
    }
  },
};

/** What the field of a secret holds; texts of `stringData` as they are. */
function dataOf({ value }: AnalyzedObject, names: readonly string[]): string {
  for (const name of names) {
    const plain = text(fields(value.stringData)[name]);
    if (plain) return plain;
    const encoded = text(fields(value.data)[name]);
    if (encoded) return Buffer.from(encoded, "base64").toString();
  }
  return "";
}

/** Why a secret is of no use to a gateway; empty when it is. It never says what is in it. */
function secretProblem(secret: AnalyzedObject): string {
  const [certificate, key] = [dataOf(secret, ["tls.crt", "cert"]), dataOf(secret, ["tls.key", "key"])];
  if (certificate === "" && key === "" && dataOf(secret, ["ca.crt", "cacert"]) !== "") return "";
  if (certificate === "") return "it has no certificate (tls.crt or cert)";
  if (key === "") return "it has no private key (tls.key or key)";
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) return "its private key does not belong to its certificate";
    if (Date.parse(parsed.validTo) < Date.now()) return `its certificate expired at ${parsed.validTo}`;
  } catch {
    return "its certificate or private key cannot be read as PEM";
  }
  return "";
}

/** One certificate in two gateways: browsers use a connection for the hosts of both, and get 404 for one. */
export const duplicateCertificates: Analyzer = {
  name: "gateway.CertificateAnalyzer",
  analyze(world, report) {
    const used = credentialsOf(world).flatMap(({ gateway, secret, name, path }) => {
      const certificate = secret ? dataOf(secret, ["tls.crt", "cert"]) : "";
      return certificate ? [{ gateway, name, path, certificate }] : [];
    });
    for (const one of used) {
      const others = used.filter(
        (each) =>
          each.gateway !== one.gateway &&
          each.certificate === one.certificate &&
          selectsTheSame(world, one.gateway, each.gateway),
      );
      if (others.length === 0) continue;
      const names = [...new Set([one, ...others].map(({ gateway }) => `${gateway.namespace}/${gateway.name}`))];
      const what = `the Gateways ${names.join(", ")} have the same certificate: a client that uses one connection for the hosts of both gets 404 for some`;
      report("GatewayDuplicateCertificate", one.gateway, what, one.path);
    }
  },
};

/** Two gateways of the same pods that have a host of one port in common. */
export const conflictingGateways: Analyzer = {
  name: "gateway.ConflictingGatewayAnalyzer",
  analyze(world, report) {
    const servers = world.all(GROUP, "Gateway").flatMap((gateway) =>
      items(gateway.spec.servers).map((server) => ({
        gateway,
        port: text(fields(server.port).number),
        bind: text(server.bind),
        hosts: texts(server.hosts).map((host) => host.slice(host.indexOf("/") + 1)),
      })),
    );
    const byPort = Map.groupBy(servers, ({ port, bind }) => `${port} ${bind}`);
    for (const [, same] of byPort)
      for (const one of same) {
        const others = same.filter(
          (each) =>
            each.gateway !== one.gateway &&
            one.hosts.some((host) =>
              each.hosts.some(
                (other) => host === other || (host !== "*" && other !== "*" && hostsOverlap(host, other)),
              ),
            ) &&
            selectsTheSame(world, one.gateway, each.gateway),
        );
        if (others.length === 0) continue;
        const names = [...new Set(others.map(({ gateway }) => `${gateway.namespace}/${gateway.name}`))].join(",");
        const selector = Object.entries(selectorOf(one.gateway))
          .map(([key, value]) => `${key}=${value}`)
          .join(",");
        const what = `the Gateways ${names} have hosts of port ${one.port} in common with this one (selector ${selector}, hosts ${one.hosts.join(", ")})`;
        report("ConflictingGateways", one.gateway, what);
      }
  },
};

function selectsTheSame(world: World, a: AnalyzedObject, b: AnalyzedObject): boolean {
  const [left, right] = [selectorOf(a), selectorOf(b)];
  if (JSON.stringify(Object.entries(left).sort()) === JSON.stringify(Object.entries(right).sort())) return true;
  const pods = world.podsWith(left, undefined);
  return pods.some((pod) => labelsMatch(right, pod.labels));
}
