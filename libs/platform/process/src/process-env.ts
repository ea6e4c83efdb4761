/** The environment variable that marks every process of a mesh; its value is the mesh's run id. */
export const RUN_MARK = "XEBEC_RUN";

/** The environment variable that marks every process of a pod; its value is the pod's uid. */
export const POD_MARK = "XEBEC_POD";

/** The environment variable that says which service or container a process is of: `service/pilot`, `pod/default/web-x/app`. */
export const UNIT_MARK = "XEBEC_UNIT";

/** The environment variable that names one start of a unit; what the started process starts has the same. */
export const INSTANCE_MARK = "XEBEC_INSTANCE";

/** All of them: what is started beside the mesh must not carry any. */
export const MARKS: readonly string[] = [RUN_MARK, POD_MARK, UNIT_MARK, INSTANCE_MARK];
