export { type AccessResources, accessVerbs } from "./access-verbs.ts";
export { type Actor, LOCAL, mayDo, OWNER, SCRIPT, STRANGER } from "./actors.ts";
export { type AccessEntry, type AccessLog, type AccessLogOptions, openAccessLog } from "./audit/access-log.ts";
export { type AuditAnchor, openAuditAnchor, readAuditAnchor } from "./audit/anchor.ts";
export { type Audit, type AuditEntry, type AuditOptions, type AuditPage, type AuditRow, createAudit } from "./audit/audit.ts";
export { type ChainState, type Link, verifyChain } from "./audit/chain.ts";
export { auditVerbs } from "./audit/verbs.ts";
export { type BoundCall, type Call, type CallOptions, createCall } from "./call.ts";
export {
  type Certificate,
  type CertificateFiles,
  inspectCertificate,
  openCertificate,
  type TlsMaterial,
} from "./certificate.ts";
export { checkJson, describe, type Mismatch } from "./check-json.ts";
export {
  type AccessKey,
  type AccessKeyInfo,
  type AccessKeys,
  type AccessKeysOptions,
  createAccessKeys,
} from "./keys/access-keys.ts";
export { type KeyringOptions, openKeyring, type WorkspaceKeyring } from "./keys/keyring.ts";
export { createLogin, type Login, type LoginOptions } from "./login/login.ts";
export { createOidcLogin, type OidcLogin, type OidcLoginOptions } from "./login/oidc-login.ts";
export { addressKey, createRateLimit, type RateLimit } from "./login/rate-limits.ts";
export { type Account, type Accounts, type AccountsOptions, createAccounts } from "./people/accounts.ts";
export { peopleVerbs } from "./people/verbs.ts";
export { placeSecret } from "./secret-file.ts";
export {
  createNamedSecrets,
  createSecrets,
  type HeldSecrets,
  type NamedSecrets,
  type SecretInfo,
  type Secrets,
} from "./secrets/secrets.ts";
export { secretVerbs } from "./secrets/verbs.ts";
export { openTokens, type TokenInfo, type Tokens, type TokensOptions } from "./tokens/tokens.ts";
export { type LockInfo, lockWorkspace, readLock, type WorkspaceLock } from "./workspace-lock.ts";
