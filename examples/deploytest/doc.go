// Package deploytest has the tests that hold examples/cdk, examples/terraform and
// examples/sam together: each deploys the same system. They read the template that
// the CDK makes, the Terraform files and the SAM template, and compare all that is
// deployed. And each pool is made, in this process, and attacked.
package deploytest
