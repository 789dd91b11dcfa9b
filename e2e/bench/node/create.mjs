// The trigger "Create auth challenge" as it is usually written: it sends a text
// over Amazon SNS with the AWS SDK for JavaScript v3.
import { randomInt } from "node:crypto";

import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";

const sns = new SNSClient({});

export const handler = async (event) => {
  const code = String(randomInt(1_000_000)).padStart(6, "0");
  const phone = event.request.userAttributes.phone_number;
  await sns.send(new PublishCommand({ PhoneNumber: phone, Message: `Your code is ${code}` }));
  event.response.publicChallengeParameters = { phone };
  event.response.privateChallengeParameters = { code };
  event.response.challengeMetadata = "CODE";
  return event;
};
