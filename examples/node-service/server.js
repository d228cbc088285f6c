import { createServer } from "node:http";

const server = createServer((request, response) => {
  if (request.url === "/health") response.end("ok\n");
  else response.end(`version ${process.env.VERSION} on Node ${process.version}\n`);
});
server.listen(3000, () => console.log("listening on 3000"));
process.once("SIGTERM", () => server.close());
