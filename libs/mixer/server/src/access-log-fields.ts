import {
  AccessLogCommonSchema,
  ConnectionPropertiesSchema,
  HTTPAccessLogEntrySchema,
  HTTPRequestPropertiesSchema,
  HTTPResponsePropertiesSchema,
  TCPAccessLogEntrySchema,
  TLSProperties_CertificateProperties_SubjectAltNameSchema,
  TLSProperties_CertificatePropertiesSchema,
  TLSPropertiesSchema,
} from "@xebec/api-envoy/envoy/data/accesslog/v3/accesslog";
import { fieldNumbers } from "@xebec/model-attributes/wire";

/** Field numbers of the messages of Envoy's access log. */
export const HTTP_ENTRY = fieldNumbers(HTTPAccessLogEntrySchema);
export const TCP_ENTRY = fieldNumbers(TCPAccessLogEntrySchema);
export const COMMON = fieldNumbers(AccessLogCommonSchema);
export const REQUEST = fieldNumbers(HTTPRequestPropertiesSchema);
export const RESPONSE = fieldNumbers(HTTPResponsePropertiesSchema);
export const CONNECTION = fieldNumbers(ConnectionPropertiesSchema);
export const TLS = fieldNumbers(TLSPropertiesSchema);
export const CERTIFICATE = fieldNumbers(TLSProperties_CertificatePropertiesSchema);
export const SUBJECT_ALT_NAME = fieldNumbers(TLSProperties_CertificateProperties_SubjectAltNameSchema);
