SELECT formatQuery({statement:String})
