# A code by SMS, in Python.

import datetime
import secrets
import time

import boto3

sns = boto3.client("sns")
VALIDITY = 120


def define(event, context):
    session = event["request"]["session"]
    passed = bool(session) and session[-1]["challengeResult"]
    event["response"] = {"issueTokens": passed, "failAuthentication": False}
    if not passed:
        event["response"]["challengeName"] = "CUSTOM_CHALLENGE"
    return event


def create(event, context):
    code = f"{secrets.randbelow(10**6):06d}"
    sns.publish(PhoneNumber=event["request"]["userAttributes"]["phone_number"], Message=f"Your code is {code}")
    event["response"] = {
        "publicChallengeParameters": {"year": str(datetime.datetime.now(datetime.timezone.utc).year)},
        "privateChallengeParameters": {"code": code, "expires": str(time.time() + VALIDITY)},
        "challengeMetadata": "SMS",
    }
    return event


def verify(event, context):
    private = event["request"]["privateChallengeParameters"]
    in_time = time.time() < float(private["expires"])
    event["response"] = {"answerCorrect": in_time and event["request"]["challengeAnswer"] == private["code"]}
    return event


def fails(event, context):
    raise ValueError("the reason")
