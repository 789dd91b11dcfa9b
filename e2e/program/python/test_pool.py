# A test suite with boto3, against the program alone. boto3 1.26, which Debian has,
# does not know AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER yet.

import json
import os
import unittest
import urllib.parse
import urllib.request

import boto3
from botocore.exceptions import ClientError

CLIENT = os.environ["COGNITO_CLIENT_ID"]
POOL = os.environ["COGNITO_USER_POOL_ID"]
PHONE = "+12065550100"

cognito = boto3.client("cognito-idp", endpoint_url=os.environ["COGNITO_ENDPOINT"])


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{os.environ['COGNITO_TEST_URL']}/{path}", data, method=method)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def message():
    query = urllib.parse.urlencode({"to": PHONE, "wait": "20s"})
    return control("GET", f"messages?{query}")["messages"][-1]


def begin(name=PHONE):
    return cognito.initiate_auth(AuthFlow="CUSTOM_AUTH", ClientId=CLIENT, AuthParameters={"USERNAME": name})


def answer(step, code):
    return cognito.respond_to_auth_challenge(
        ClientId=CLIENT, ChallengeName=step["ChallengeName"], Session=step["Session"],
        ChallengeResponses={"USERNAME": step["ChallengeParameters"]["USERNAME"], "ANSWER": code})


class PoolTest(unittest.TestCase):
    def setUp(self):
        control("POST", "reset")

    def test_sign_in(self):
        step = begin()
        tokens = answer(step, message()["code"])["AuthenticationResult"]
        user = cognito.get_user(AccessToken=tokens["AccessToken"])
        self.assertIn({"Name": "name", "Value": "Ada"}, user["UserAttributes"])
        self.assertEqual(cognito.admin_get_user(UserPoolId=POOL, Username=PHONE)["UserStatus"], "CONFIRMED")

    def test_code_expires(self):
        step = begin()
        code = message()["code"]
        control("POST", "clock", {"advance": "2m"})
        self.assertEqual(answer(step, code)["ChallengeName"], "CUSTOM_CHALLENGE")

    def test_datetime_moves(self):
        year = int(begin()["ChallengeParameters"]["year"])
        control("POST", "clock", {"advance": "8785h"})  # 366 days and an hour
        self.assertEqual(int(begin()["ChallengeParameters"]["year"]), year + 1)

    def test_trigger_fails(self):
        with self.assertRaises(ClientError) as raised:
            cognito.sign_up(ClientId=CLIENT, Username="+12065550101", Password="Made-up-1-password")
        self.assertEqual(raised.exception.response["Error"], {
            "Code": "UserLambdaValidationException", "Message": "PreSignUp failed with error the reason."})


if __name__ == "__main__":
    unittest.main()
