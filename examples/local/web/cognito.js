// A small client for the public part of the Amazon Cognito user pool API:
// one fetch per operation, no SDK. The wire is JSON over POST; the operation
// is named in the X-Amz-Target header, and none of these calls is signed.

// Cognito waits up to 5 s for each trigger and tries three times.
const TIMEOUT = 20_000;

// ServiceError is an answer of the service that is not a success.
// Its name is the service's own, such as "NotAuthorizedException".
export class ServiceError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

// NetworkError means that no answer came, or none that could be read.
// Its reason is "offline", "timeout", "unreachable" or "unreadable".
export class NetworkError extends Error {
  constructor(reason) {
    super(reason);
    this.name = "NetworkError";
    this.reason = reason;
  }
}

// regionalEndpoint is the address of the real service.
export function regionalEndpoint(region) {
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `https://cognito-idp.${region}.${suffix}/`;
}

export class Cognito {
  #endpoint;
  #clientId;

  constructor(endpoint, clientId) {
    this.#endpoint = endpoint;
    this.#clientId = clientId;
  }

  // signUp registers a user. The pool insists on a password, and nobody will
  // ever use it, so it is random and forgotten at once.
  signUp(phone, name) {
    return this.#call("SignUp", {
      ClientId: this.#clientId,
      Username: phone,
      Password: throwAwayPassword(),
      UserAttributes: [
        { Name: "name", Value: name },
        { Name: "phone_number", Value: phone },
      ],
    });
  }

  // startSignIn begins a custom sign-in: the answer is the first challenge.
  startSignIn(phone) {
    return this.#call("InitiateAuth", {
      ClientId: this.#clientId,
      AuthFlow: "CUSTOM_AUTH",
      AuthParameters: { USERNAME: phone },
    });
  }

  // answer answers a challenge. The result is the next challenge, or tokens.
  // A session is good for one answer: the next challenge carries a new one.
  answer(challenge, code) {
    return this.#respond(challenge, code);
  }

  // resend asks for a new code in the place of an answer. The service wants an
  // ANSWER that is not empty; the action says that it is not to be checked.
  resend(challenge) {
    return this.#respond(challenge, "resend", { action: "resend" });
  }

  #respond(challenge, answer, metadata) {
    return this.#call("RespondToAuthChallenge", {
      ClientId: this.#clientId,
      ChallengeName: challenge.name,
      ChallengeResponses: { USERNAME: challenge.username, ANSWER: answer },
      Session: challenge.session,
      ...(metadata && { ClientMetadata: metadata }),
    });
  }

  // refresh trades a refresh token for new tokens. App clients that rotate
  // refresh tokens know only the first way, older services only the second.
  async refresh(refreshToken) {
    try {
      return await this.#call("GetTokensFromRefreshToken", {
        ClientId: this.#clientId,
        RefreshToken: refreshToken,
      });
    } catch (error) {
      const unknown = ["UnknownOperationException", "InvalidAction", "InvalidParameterException"];
      if (!unknown.includes(error.name)) throw error;
    }
    return this.#call("InitiateAuth", {
      ClientId: this.#clientId,
      AuthFlow: "REFRESH_TOKEN_AUTH",
      AuthParameters: { REFRESH_TOKEN: refreshToken },
    });
  }

  // getUser reads the attributes of the user that the access token names.
  getUser(accessToken) {
    return this.#call("GetUser", { AccessToken: accessToken });
  }

  // revoke ends this sign-in: the refresh token and what was made from it.
  revoke(refreshToken) {
    return this.#call("RevokeToken", { ClientId: this.#clientId, Token: refreshToken });
  }

  // globalSignOut ends every sign-in of the user, on every device.
  globalSignOut(accessToken) {
    return this.#call("GlobalSignOut", { AccessToken: accessToken });
  }

  async #call(operation, input) {
    let response, text;
    try {
      response = await fetch(this.#endpoint, {
        method: "POST",
        headers: {
          "Content-Type": "application/x-amz-json-1.1",
          "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
        },
        body: JSON.stringify(input),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT),
      });
      text = await response.text();
    } catch (error) {
      if (error.name === "TimeoutError") throw new NetworkError("timeout");
      throw new NetworkError(navigator.onLine ? "unreachable" : "offline");
    }

    let output = {};
    try {
      if (text) output = JSON.parse(text); // RevokeToken answers with nothing
    } catch {
      throw new NetworkError("unreadable");
    }
    if (response.ok) return output;
    if (typeof output.__type !== "string") throw new NetworkError("unreadable");
    // Some services prefix the name: "com.amazonaws.cognito#NotAuthorizedException".
    throw new ServiceError(output.__type.split("#").pop(), String(output.message ?? ""));
  }
}

// throwAwayPassword has 192 random bits, and one of each kind of character
// that a password policy may ask for.
function throwAwayPassword() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("") + "-Aa1";
}
