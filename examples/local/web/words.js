// What the page says. Every text that a person reads because something went
// wrong is here: { text, detail }, where detail is for the developer.

const AGAIN = "Please start again.";
const OUR_SIDE = "Something went wrong on our side. Please try again in a moment.";

// phoneProblem says what is wrong with a phone number (see readPhone).
export function phoneProblem(problem) {
  switch (problem) {
    case "empty": return "Please enter your phone number.";
    case "country": return "Please start with a plus and the country code, like +1 206 555 0100.";
    case "letters": return "A phone number has only digits after the plus.";
    case "short": return "This phone number is too short.";
    case "long": return "This phone number is too long.";
  }
}

// codeProblem says what an errorCode among the challenge's parameters means.
// These are the answers of the customauth handlers; the sign-in goes on.
export function codeProblem(parameters) {
  const wait = seconds(parameters.retryAfter);
  const later = wait ? ` Please wait ${duration(wait)}.` : " Please wait a while.";
  switch (parameters.errorCode) {
    case undefined:
    case "": return null;
    case "wrong_code": return "That is not the code. Please check the text and try again.";
    case "expired": return "This code has expired. Please ask for a new one.";
    case "resend_too_soon": return `A code was sent a moment ago, and it is still good.${wait ? ` You can ask for another in ${duration(wait)}.` : ""}`;
    case "rate_limited": return `There were too many tries.${later}`;
    case "delivery_failed": return "The text could not be sent. Check the number, or try once more.";
    default: return "That did not work. Please try again, or ask for a new code.";
  }
}

// explain says what an error means to the person in front of the page. The
// moment is what was being done: "register", "sign-in", "answer", "session".
export function explain(error, moment) {
  if (error.name === "NetworkError") return { text: network(error.reason) };
  const text = service(error, moment);
  if (text) return { text };
  return { text: broken[error.name] ?? OUR_SIDE, detail: `${error.name}: ${error.message}` };
}

// broken are errors that only whoever runs the service can do something about.
// The page shows what the service said as well.
const broken = {
  InvalidParameterException: "The service did not accept what was entered.",
  InvalidPasswordException: "The service did not accept the password that this page made up.",
  ResourceNotFoundException: "This page names an app client that does not exist.",
  UserNotConfirmedException: "This account is not confirmed yet, which a pre sign-up trigger should have done.",
};

// endsSignIn tells whether a sign-in is over after this error. If it is not,
// the same code can be sent again: the answer never got through.
export function endsSignIn(error) {
  return error.name !== "NetworkError" && error.name !== "TooManyRequestsException";
}

// isSignedOut tells whether the refresh token is no longer any good.
export function isSignedOut(error) {
  return ["NotAuthorizedException", "RefreshTokenReuseException", "UserNotFoundException", "PasswordResetRequiredException"].includes(error.name);
}

function network(reason) {
  switch (reason) {
    case "offline": return "You are offline. Check your connection and try again.";
    case "timeout": return "The server took too long to answer. Please try again.";
    case "unreadable": return "The server gave an answer that this page does not understand.";
    default: return "The server cannot be reached. Please try again in a moment.";
  }
}

function service(error, moment) {
  switch (error.name) {
    case "NotAuthorizedException": return notAuthorized(error.message, moment);
    case "UserNotFoundException": return moment === "session"
      ? "This account no longer exists."
      : "There is no account with this phone number. Check it, or create an account.";
    case "UsernameExistsException":
    case "AliasExistsException": return "There is already an account with this phone number. Sign in instead.";
    case "TooManyRequestsException":
    case "LimitExceededException":
    case "TooManyFailedAttemptsException": return "There were too many requests. Please wait a moment and try again.";
    case "CodeMismatchException": return `That is not the code. ${AGAIN}`;
    case "ExpiredCodeException": return `This sign-in took too long. ${AGAIN}`;
    case "PasswordResetRequiredException": return "This account must be reset by whoever runs the service.";
    case "CodeDeliveryFailureException": return "The text could not be sent. Check the number, or try once more.";
    case "RefreshTokenReuseException": return "You have been signed out. Please sign in again.";
    case "ForbiddenException": return "The service refused this request.";
    case "UserLambdaValidationException": return refused(error.message);
  }
}

// refused gives the words of a pre sign-up trigger that does not want this
// person. What other triggers say is for the developer.
function refused(message) {
  const reason = message.match(/^PreSignUp failed with error (.+?)\.?$/)?.[1];
  return reason && `You cannot sign up here: ${reason}.`;
}

// notAuthorized tells the many meanings of this one error apart, by its text.
// "Incorrect username or password." is what a person sees who has no attempts
// left, and also one whose number is unknown: the pool does not tell who has
// an account, so neither can the page.
function notAuthorized(message, moment) {
  if (/secret/i.test(message)) return "This app client has a secret, which a web page cannot keep. Use one without.";
  if (/disabled/i.test(message)) return "This account is disabled.";
  if (/attempts exceeded/i.test(message)) return "There were too many tries. Please wait a while.";
  if (/not permitted|not allowed/i.test(message)) return "This service does not take new accounts.";
  if (moment === "session") return "You have been signed out. Please sign in again.";
  if (/session/i.test(message)) return `This sign-in took too long, or was continued somewhere else. ${AGAIN}`;
  if (moment === "register") return "The account could not be created.";
  return "Signing in did not work. Check the phone number and start again, or create an account.";
}

// seconds reads a parameter that counts whole seconds; 0 if there is none.
export function seconds(value) {
  return /^\d{1,6}$/.test(value ?? "") ? Number(value) : 0;
}

// duration says a number of seconds in words: "42 seconds", "5 minutes".
export function duration(s) {
  if (s < 90) return s === 1 ? "1 second" : `${s} seconds`;
  const minutes = Math.ceil(s / 60);
  if (minutes < 90) return `${minutes} minutes`;
  return `${Math.ceil(minutes / 60)} hours`;
}

// clock says it as a countdown does: "0:42".
export function clock(s) {
  const pad = (n) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600);
  const rest = `${h ? pad(Math.floor(s / 60) % 60) : Math.floor(s / 60)}:${pad(s % 60)}`;
  return h ? `${h}:${rest}` : rest;
}
