import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files of an authority and of the two whom it vouches for, in one directory. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/** Makes an authority, a server's certificate for 127.0.0.1 and a client's, by openssl, below a directory. */
export function makeCertificates(directory: string): Certificates {
  const at = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-days",
    "2",
    "-subj",
    "/CN=authority",
    "-keyout",
    at("ca-key.pem"),
    "-out",
    at("ca.pem"),
  );
  writeFileSync(
    at("extensions"),
    "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n",
  );
  const issue = (name: string) => {
    const [cert, key, request] = [at(`${name}.pem`), at(`${name}-key.pem`), at(`${name}.csr`)];
    openssl("req", ...newKey, "-subj", `/CN=${name}`, "-keyout", key, "-out", request);
    const authority = ["-CA", at("ca.pem"), "-CAkey", at("ca-key.pem"), "-CAcreateserial"];
    openssl("x509", "-req", "-days", "2", "-in", request, ...authority, "-extfile", at("extensions"), "-out", cert);
    return { cert, key };
  };
  return { ca: at("ca.pem"), server: issue("server"), client: issue("client") };
}
