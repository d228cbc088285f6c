/**
 * Answers that the published description lists and no case here has, each with its reason. 500 is none of them: whatever
 * makes an engine say it would be a fault of the engine.
 */
export const UNTRIED: Readonly<Record<string, string>> = {
  "DELETE /containers/{id} 400": "no parameter of this request can be wrong",
  "GET /containers/{id}/attach/ws 200": "without an upgrade there is no websocket: 400",
  "POST /auth 204": "every login that succeeds has a document",
  "POST /images/{name}/push 404": "told in the stream of progress, as by Docker",
  "POST /images/{name}/tag 409": "a tag is moved, as by Docker",
  "PUT /volumes/{name} 200": "only volumes of a cluster can be changed",
  "PUT /volumes/{name} 400": "only volumes of a cluster can be changed",
  "PUT /volumes/{name} 404": "only volumes of a cluster can be changed",
};

/** What needs a swarm, or plugins, has one answer without. */
export function isUntried(operation: string, status: number): boolean {
  const [, path = ""] = operation.split(" ");
  return (
    status === 500 ||
    /^\/(swarm|nodes|services|tasks|secrets|configs|plugins)(\/|$)/.test(path) ||
    `${operation} ${status}` in UNTRIED
  );
}
