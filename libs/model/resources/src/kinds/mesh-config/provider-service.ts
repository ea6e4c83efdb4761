import { required, string } from "@xebec/model-schema";
import { port } from "../shared/shapes.ts";

/** The service of the mesh that implements a provider: the fields that every such provider has. */
export const providerService = {
  service: required(
    string({ minLength: 1 }),
    "The service, `[NAMESPACE/]HOST`: a full name of the registry or of a ServiceEntry. The namespace is needed where several define the host.",
  ),
  port: required(port(), "The port of the service."),
};
