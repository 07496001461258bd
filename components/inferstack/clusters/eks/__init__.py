"""Amazon EKS: network, IAM, cluster and its own add-ons."""
