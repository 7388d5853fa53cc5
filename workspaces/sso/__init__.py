"""Single sign-on: a firm's people come in through its own OpenID or SAML provider.

provider  what allauth knows of the OpenID provider; `oidc` checks what comes back, stricter than allauth does
saml      the same for a SAML provider, where one is set
adapter   whom a provider's word lets in: verified addresses of the firm's domains
joining   the workspaces that people join by coming in
"""
