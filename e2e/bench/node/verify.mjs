// The trigger "Verify auth challenge response" as it is usually written.
export const handler = async (event) => {
  event.response.answerCorrect = event.request.challengeAnswer === event.request.privateChallengeParameters.code;
  return event;
};
