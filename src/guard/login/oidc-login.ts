/** People log in at the page by way of an OpenID provider: the flow (`oidc.ts`), whom it lets in (`oidc-rule.ts`), and the session that it opens. */
import type { Login } from "./login.ts";
import { createOidc, type Oidc, type OidcOptions } from "./oidc.ts";
import { createOidcRule, type OidcRuleOptions } from "./oidc-rule.ts";

export interface OidcLogin extends Pick<Oidc, "name" | "begin"> {
  /** Errors: as `Oidc.finish` and `OidcRule`. */
  finish(
    answer: Parameters<Oidc["finish"]>[0] & { readonly address: string },
  ): Promise<{ readonly user: string; readonly cookie: string }>;
}

export type OidcLoginOptions = OidcOptions & OidcRuleOptions & { readonly login: Pick<Login, "enter" | "refused"> };

/** Errors: `config.value`. */
export function createOidcLogin({ login, accounts, audit, roles, ...options }: OidcLoginOptions): OidcLogin {
  const { finish, ...oidc } = createOidc(options);
  const admit = createOidcRule({ accounts, audit, roles });
  return {
    ...oidc,
    async finish({ address, ...answer }) {
      try {
        const user = await admit(await finish(answer));
        return { user, cookie: (await login.enter(user, address)).cookie };
      } catch (error) {
        await login.refused(error, { by: "oidc", address });
        throw error;
      }
    },
  };
}
