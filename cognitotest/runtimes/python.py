# What stands for Lambda's Python runtime: it loads the file that is its first
# argument, takes one event after the other from the Runtime API, and gives each
# to the function that _HANDLER names.

import datetime
import http.client
import importlib.util
import json
import os
import sys
import time
import traceback

FILE = sys.argv[1]
NAME = os.environ["_HANDLER"].rpartition(".")[2]
PREFIX = "/2018-06-01/runtime/"

# The clock: time.time and datetime with an offset that comes with each event.
offset = 0.0
real_time = time.time
real_datetime = datetime.datetime


class MovedType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, real_datetime)

    def __subclasscheck__(cls, subclass):
        return issubclass(subclass, real_datetime)


class MovedDatetime(real_datetime, metaclass=MovedType):
    @classmethod
    def now(cls, tz=None):
        return real_datetime.now(tz) + datetime.timedelta(seconds=offset)

    @classmethod
    def today(cls):
        return cls.now()

    @classmethod
    def utcnow(cls):
        return cls.now(datetime.timezone.utc).replace(tzinfo=None)


time.time = lambda: real_time() + offset
datetime.datetime = MovedDatetime


class Context:
    def __init__(self, headers):
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.identity = None
        self.client_context = None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(real_time() * 1000))


connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def request(method, where, body=None, headers={}):
    connection.request(method, PREFIX + where, body, headers)
    response = connection.getresponse()
    return response.headers, response.read()


def error_object(error, kind=None):
    return json.dumps({
        "errorType": kind or type(error).__name__,
        "errorMessage": str(error),
        "stackTrace": traceback.format_tb(error.__traceback__),
    })


def init_error(error, kind):
    traceback.print_exception(type(error), error, error.__traceback__)
    request("POST", "init/error", error_object(error, kind), {"Lambda-Runtime-Function-Error-Type": kind})
    sys.exit(1)


def load():
    sys.path.insert(0, os.path.dirname(FILE))
    module_name = os.path.splitext(os.path.basename(FILE))[0]
    try:
        spec = importlib.util.spec_from_file_location(module_name, FILE)
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    except SyntaxError as error:
        init_error(error, "Runtime.UserCodeSyntaxError")
    except Exception as error:
        init_error(error, "Runtime.ImportModuleError")
    handler = getattr(module, NAME, None)
    if not callable(handler):
        init_error(AttributeError(f"{FILE} has no function {NAME}"), "Runtime.HandlerNotFound")
    return handler


handler = load()
while True:
    headers, body = request("GET", "invocation/next")
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    offset = int(headers["Cognitotest-Clock-Offset-Ms"] or 0) / 1000
    try:
        answer = json.dumps(handler(json.loads(body), Context(headers)))
    except Exception as error:
        traceback.print_exception(type(error), error, error.__traceback__)
        request("POST", f"invocation/{request_id}/error", error_object(error),
                {"Lambda-Runtime-Function-Error-Type": "Unhandled"})
    else:
        request("POST", f"invocation/{request_id}/response", answer)
