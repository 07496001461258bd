"""Google Kubernetes Engine: network and cluster."""
