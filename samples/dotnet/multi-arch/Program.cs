Console.WriteLine(System.Runtime.InteropServices.RuntimeInformation.OSArchitecture);
