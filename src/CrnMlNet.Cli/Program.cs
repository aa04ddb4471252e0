using CrnMlNet.Torch.Backend;
using TorchSharp;

TorchBackend.Start();
Console.WriteLine(torch.ones(3).sum().item<float>());
