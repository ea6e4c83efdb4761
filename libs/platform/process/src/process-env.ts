/** The environment variable of every process of a mesh; its value is the mesh's run id. */
export const RUN_ID_ENV = "XEBEC_RUN";

/** The environment variable of every process of a pod; its value is the pod's uid. */
export const POD_UID_ENV = "XEBEC_POD";

/** The environment variable that says which service or container a process is of: `service/pilot`, `pod/default/web-x/app`. */
export const PROCESS_NAME_ENV = "XEBEC_UNIT";

/** The environment variable that names one start of a managed process; what that process starts has the same. */
export const INSTANCE_ID_ENV = "XEBEC_INSTANCE";

/** All of them: what is started beside the mesh must have none. */
export const PROCESS_ENVS: readonly string[] = [RUN_ID_ENV, POD_UID_ENV, PROCESS_NAME_ENV, INSTANCE_ID_ENV];
