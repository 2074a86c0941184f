trap - EXIT
ecflow_client --complete
