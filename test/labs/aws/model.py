"""What EC2 refuses by the model of its requests, as botocore ships it: what is missing, unknown, of another type, or no
member of its enumeration. botocore's own validation is for clients and leaves the last two to the service.
"""

import botocore.session
from botocore.model import OperationNotFoundError
from botocore.serialize import EC2Serializer
from botocore.validate import ParamValidator
from moto.core.parse import EC2QueryParser

from refused import Refused

SERVICE = botocore.session.get_session().get_service_model("ec2")

# EC2 has a code of its own for some enumerations.
UNKNOWN = {"VolumeType": ("UnknownVolumeType", "Unknown volume type '{}'")}


def parse(query):
    """The parameters of a request, typed, from its query: {"Action": "ModifyVolume", "Size": "10", …}. Raises Refused."""
    try:
        operation = SERVICE.operation_model(query.get("Action", ""))
    except OperationNotFoundError:
        raise Refused("InvalidAction", f"The action {query.get('Action')} is not valid for this web service.") from None
    flat = {key: value for key, value in query.items() if key not in ("Action", "Version")}
    try:
        params = EC2QueryParser(operation).parse({"values": flat, "headers": {}, "body": b"", "url_path": ""})
    except ValueError as error:
        raise Refused("InvalidParameterValue", str(error)) from None
    # What doesn't come out again as it went in was not understood: moto's parser passes over it.
    understood = EC2Serializer().serialize_to_request(params, operation)["body"]
    for key, value in flat.items():
        if key not in understood:
            raise Refused("UnknownParameter", f"The parameter {key} is not recognized")
        if str(understood[key]).lower() != value.lower() and not isinstance(understood[key], bytes):
            raise Refused("InvalidParameterValue", f"Invalid value '{value}' for {key}")
    shape = operation.input_shape
    if shape is not None:
        report = ParamValidator().validate(params, shape)
        if report.has_errors():
            # Each is (reason, where, details).
            missing = [details["required_name"] for _, _, details in report._errors if "required_name" in details]
            if missing:
                raise Refused("MissingParameter", f"The request must contain the parameter {missing[0]}")
            raise Refused("InvalidParameterValue", report.generate_report())
        _check(params, shape)
    return params


def flatten(query):
    """A request as it reached EC2, without what every request has."""
    return {key: value for key, value in sorted(query.items()) if key not in ("Action", "Version")}


def _check(value, shape, name=""):
    if shape.type_name == "structure":
        for key, each in value.items():
            _check(each, shape.members[key], key)
    elif shape.type_name == "list":
        for each in value:
            _check(each, shape.member, name)
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        code, message = UNKNOWN.get(shape.name, ("InvalidParameterValue", f"Invalid value '{{}}' for {name}"))
        raise Refused(code, message.format(value))
    elif shape.type_name in ("integer", "long", "float", "double"):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            raise Refused("InvalidParameterValue", f"Value {value} for {name} is not between {low} and {high}")
